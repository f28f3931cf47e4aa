"""Exports the services that create, change and delete work items, for hosts to import."""

from .items import create_item, create_items, delete_item, put_item, update_item

__all__ = ["create_item", "create_items", "delete_item", "put_item", "update_item"]
