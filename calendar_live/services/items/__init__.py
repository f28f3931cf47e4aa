"""Creates, changes, deletes, restores and moves work items. Each call is one transaction."""

from .bulk import BulkDone, delete_items, edit_items, restore_items
from .create import Put, create_item, create_items, put_item
from .delete import Children, Deleted, delete_item
from .edit import update_item
from .move import Moved, move_item
from .rows import Written

__all__ = [
    "BulkDone",
    "Children",
    "Deleted",
    "Moved",
    "Put",
    "Written",
    "create_item",
    "create_items",
    "delete_item",
    "delete_items",
    "edit_items",
    "move_item",
    "put_item",
    "restore_items",
    "update_item",
]
