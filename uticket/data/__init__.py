"""Where images come from, and the one form in which every network reads them."""
