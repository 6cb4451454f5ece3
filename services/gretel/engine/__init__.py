"""Engines that learn a table and draw new rows from what they learned."""

from services.gretel.engine.base import Engine, Model, Progress
from services.gretel.engine.registry import create_engine, engine_names, load_model

__all__ = ["Engine", "Model", "Progress", "create_engine", "engine_names", "load_model"]
