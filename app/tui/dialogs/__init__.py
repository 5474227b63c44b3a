"""Small windows over a screen: errors, questions, help, a passage."""
