"""Share calendars: members, invitations and public links."""
