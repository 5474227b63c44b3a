"""The stock arms of the stage out, knowing nothing of Temper."""
