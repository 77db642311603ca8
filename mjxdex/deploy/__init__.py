"""Trained policies outside of training: ONNX files and what runs them."""
