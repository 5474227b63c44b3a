"""The stock arms: what the libraries' own documentation shows, knowing nothing of Temper."""
