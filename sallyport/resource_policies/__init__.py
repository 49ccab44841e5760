"""Resource policies of REST APIs: how entries become statements in them, and how much room that takes."""
