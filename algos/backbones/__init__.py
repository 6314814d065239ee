"""Policy backbones: the networks that algorithms share."""
