"""What is the same for every algorithm by mathematics or by format: plain functions, no base trainer."""
