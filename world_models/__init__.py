"""Models of how a world goes on: causal World Transformers, an MLP ensemble as control, and the World Evaluator."""
