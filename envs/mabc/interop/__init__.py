"""Adapters to training libraries. Each module imports its library; `import mabc` imports none of them."""
