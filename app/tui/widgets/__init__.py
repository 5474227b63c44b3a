"""Parts of screens: the bar on top, the hints below, the list of runs, the page of one run, a chat's turn."""
