"""Create, edit, delete, move and restore work items: the only writers of work items."""
