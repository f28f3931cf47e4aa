"""The services of single work items, as hosts import them."""

from .items import create_item, create_items, delete_item, put_item, update_item

__all__ = ["create_item", "create_items", "delete_item", "put_item", "update_item"]
