"""Holds the rules of the protocol as switches. All are on in the product; an ablation switches one or two off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Each switch is one clause of a rule S1-S6 or C1-C11, of an invariant, or of the cache's key. On means obeyed."""

    # S1: writes
    preconditions_under_lock: bool = True
    refused_leaves_revision: bool = True
    first_log_row: bool = True
    whole_sets: bool = True  # a broadcast carries a whole change set or no entries
    if_match: bool = True
    idempotency: bool = True
    # S2: the hub
    hub_reads_what_is_missing: bool = True  # off: a change set that is ahead is delivered as if it followed
    hub_drops_behind: bool = True
    hub_sends_once: bool = True  # of the sets that waited, only those that follow the replay; it contained the others
    look: bool = True
    look_compares_nonce: bool = True
    hub_resets_other_history: bool = True
    encoded_by_rights: bool = True  # off: public links get what was encoded for members
    # S3: subscriptions
    verify_nonce: bool = True
    verify_kept: bool = True  # a state that was pruned cannot be verified
    answers_in_order: bool = True
    register_before_authorising: bool = True  # off: a change of rights between the two goes unnoticed
    register_first: bool = True  # before the replay is read
    hub_brought_up: bool = True
    replay_brings_hub_up: bool = True  # off: a restore to the hub's head leaves what was replayed beyond it
    waits_during_replay: bool = True
    replay_as_now: bool = True  # only items as they are now: earlier versions may show more than is allowed now
    groups_marked: bool = True  # frames say which sets are only true together
    access_verified: bool = True
    silent_after_reset: bool = True
    reset_voids_pending: bool = True
    # S4: chunks
    chunks_say_more: bool = True
    hidden_sets_sent: bool = True
    # S5: access
    grants_told_again: bool = True  # with each heartbeat, which repairs a lost `calendar` frame
    reset_on_rights: bool = True
    access_has_version: bool = True
    replay_by_rights_of_now: bool = True
    becoming_secret_told: bool = True  # receivers who saw the item get a removal
    # S6
    undo_needs_its_deletion: bool = True
    # Invariant 2 and the cache (docs/caching.md)
    one_statement: bool = True
    state_before_rows: bool = True  # matters only with two statements
    cache_key_has_state: bool = True
    cache_key_has_nonce: bool = True
    cache_key_has_rights: bool = True
    # C1
    subscribe_first: bool = True
    min_revision: bool = True
    generations: bool = True
    # C2
    keyed_by_calendar: bool = True
    tombstones: bool = True
    graves_outlive_feeds: bool = True
    answers_stay_out_of_store: bool = True
    # C3
    chunks_all_or_none: bool = True
    cut_drops_chunks: bool = True
    pair_drops_chunks: bool = True
    groups_whole: bool = True
    changes_need_cursor: bool = True
    changes_chain: bool = True
    ahead_is_held: bool = True
    ahead_asks: bool = True
    fork_asks: bool = True
    behind_is_dropped: bool = True
    change_row_guard: bool = True
    # C4
    last_id_counts: bool = True
    subscribed_checks_access: bool = True
    subscribed_never_moves: bool = True
    subscribed_asks_again: bool = True
    subscribed_below_asks: bool = True  # the server was restored to a state below the cursor
    waiting_feeds_dropped: bool = True
    # C5
    feed_checks_access: bool = True
    feed_in_chain: bool = True
    feed_waits: bool = True
    waiting_asks: bool = True
    feed_row_guard: bool = True
    missing_hidden: bool = True
    missing_only_older: bool = True
    hidden_keeps_revision: bool = True
    # C6
    head_asks: bool = True
    head_needs_cursor: bool = True
    head_waits_for_pending: bool = True
    head_sets_nothing: bool = True
    # C7
    reset_forgets_store: bool = True
    reset_forgets_cursor: bool = True
    reset_forgets_chunks: bool = True
    reset_forgets_etags: bool = True
    old_picture_stays: bool = True
    old_picture_goes_with_rights: bool = True
    old_picture_obeys: bool = True  # later removals also remove items from the old picture
    # C8
    overlay_until_reached: bool = True
    overlay_ends_by_subscribe: bool = True
    overlay_asks: bool = True  # an answer that is neither ahead nor in the chain makes the client subscribe
    refused_overlay_goes: bool = True
    lost_answers_retried: bool = True
    one_in_flight: bool = True
    # C9, C11
    filtered_stay_out: bool = True
    dead_sockets_found: bool = True


ALL = Rules()
