"""`temper triage`: command.py lists and decides, walk.py goes through the groups one key each."""
