"""The rules of the protocol as switches: all on in the product, one or two off in an ablation. Used by the model only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Each switch is one clause of a rule S1-S6 or C1-C11, or of invariant 2, 8 or the cache's key; on means obeyed."""

    # S1: writes
    preconditions_under_lock: bool = True
    refused_leaves_revision: bool = True
    first_log_row: bool = True
    whole_sets: bool = True  # over the layer
    if_match: bool = True
    idempotency: bool = True
    # S2: the hub
    hub_reads_what_is_missing: bool = True  # off: what is ahead is delivered as if it chained
    hub_drops_behind: bool = True
    hub_sends_once: bool = True  # of what waited, only what follows on the replay; the rest was in it
    look: bool = True
    look_compares_nonce: bool = True
    hub_resets_other_history: bool = True
    encoded_by_rights: bool = True  # off: what was encoded for members is sent by public links too
    # S3: subscriptions
    verify_nonce: bool = True
    verify_kept: bool = True  # a pruned state is unverifiable
    answers_in_order: bool = True
    register_before_authorising: bool = True  # else a change of rights between the two is never heard of
    register_first: bool = True  # before the replay is read
    hub_brought_up: bool = True
    replay_brings_hub_up: bool = True  # else a restore to the hub's own head leaves what was replayed beyond it
    waits_during_replay: bool = True
    replay_as_now: bool = True  # of each item only what it is now: what it was may be more than may be known of it
    groups_marked: bool = True  # so which sets are only true together
    access_verified: bool = True
    silent_after_reset: bool = True
    reset_voids_pending: bool = True
    # S4: chunks
    chunks_say_more: bool = True
    hidden_sets_sent: bool = True
    # S5: access
    grants_told_again: bool = True  # a heartbeat repairs a lost `calendar` frame too
    reset_on_rights: bool = True
    access_has_version: bool = True
    replay_by_rights_of_now: bool = True
    becoming_secret_told: bool = True  # to those who saw it before, as a removal
    # S6
    undo_needs_its_deletion: bool = True
    # Invariant 2 and the cache (design §7)
    one_statement: bool = True
    state_before_rows: bool = True  # only matters in two statements
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
    subscribed_below_asks: bool = True  # the server went back, and the cursor with what was lost
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
    old_picture_obeys: bool = True  # removals seen since reach it too
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
