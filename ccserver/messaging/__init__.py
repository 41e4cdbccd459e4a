"""Text conversations with citizens, by whatever way the texts come."""
