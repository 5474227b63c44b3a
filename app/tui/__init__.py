"""The terminal UI: Textual screens over run folders, the workspace and the local server. Holds no logic."""
