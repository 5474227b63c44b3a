"""What happens when memory is short, when others want the card, when a run is killed."""
