"""What agents see: one file a kind. `sight` decides who sees what, for all of them."""
