"""The wire protocol: states, rights, change sets, event objects and frames. Pure."""
