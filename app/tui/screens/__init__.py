"""One screen per file; each is imported when it is first shown."""
