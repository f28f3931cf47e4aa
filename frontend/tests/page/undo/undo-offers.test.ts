/** Tests which changes are offered to be undone, and when an offer is over. */
import { expect, test } from "vitest";
import type { ChangedEvent } from "../../../src/client/screen/events";
import { UndoOffers } from "../../../src/page/undo/undo-offers";
import { CALENDAR, item, OTHER, state, uuid } from "../../support/items";

const editor = () => new UndoOffers({ mayEdit: () => true });

function change(revision: number, parts: Partial<ChangedEvent>): ChangedEvent {
  const base = { calendar: CALENDAR, state: state(revision), before: [], after: [], upserted: [], destroyed: [] };
  return { ...base, actor: { id: "1", name: "Ana" }, mutationId: null, own: false, ...parts };
}

const deletion = (number: number, revision: number, parts: Partial<ChangedEvent> = {}) =>
  change(revision, { before: [item(number, state(4))], destroyed: [uuid(number)], ...parts });

test("editor_is_offered_each_change_and_a_viewer_none", () => {
  const offers = editor();
  const { offer } = offers.take(deletion(1, 6), false);
  expect(offer && offers.undoOf(offer)).toMatchObject({ kind: "deleted", title: "Item 1" });
  expect(new UndoOffers({ mayEdit: () => false }).take(deletion(1, 6), false).offer).toBeNull();
});

test("offer_is_over_when_its_item_changes_again", () => {
  const offers = editor();
  const first = offers.take(deletion(1, 6), false).offer;
  offers.take(change(7, { after: [item(1, state(7))] }), false);
  const { replaced, offer } = offers.take(deletion(1, 8), false);
  expect(first && offers.isOpen(first)).toBe(false);
  expect(replaced).not.toContain(offer);
});

test("halves_of_a_move_become_one_offer_in_either_order", () => {
  const left = deletion(1, 6, { mutationId: "m" });
  const entered = change(9, { calendar: OTHER, after: [item(1, state(9), { calendar: OTHER })], mutationId: "m" });
  for (const [first, second] of [
    [left, entered],
    [entered, left],
  ] as const) {
    const offers = editor();
    const half = offers.take(first, false).offer;
    expect(half?.mayBeHalf).toBe(true);
    const { offer, replaced } = offers.take(second, false);
    expect(replaced).toEqual([half]);
    expect(offer).toMatchObject({ calendar: OTHER, mayBeHalf: false });
    expect(offer && offers.undoOf(offer)).toMatchObject({ kind: "moved" });
  }
});

// Seen failing when changes that are not offered were forgotten: whether the move was called a deletion depended on
// which calendar was told first.
test("move_to_a_calendar_one_may_not_edit_is_offered_as_no_deletion_in_either_order", () => {
  const left = deletion(1, 6, { mutationId: "m" });
  const entered = change(9, { calendar: OTHER, after: [item(1, state(9), { calendar: OTHER })], mutationId: "m" });
  for (const halves of [
    [left, entered],
    [entered, left],
  ]) {
    const offers = new UndoOffers({ mayEdit: (calendar) => calendar === CALENDAR });
    const taken = halves.map((half) => offers.take(half, false).offer);
    expect(taken.filter((offer) => offer !== null && offers.isOpen(offer))).toEqual([]);
    expect(offers.take(deletion(1, 10, { mutationId: "m" }), false).offer).not.toBeNull();
  }
});

test("own_undo_is_not_offered_again_and_others_are", () => {
  const offers = editor();
  offers.take(deletion(1, 6), false);
  expect(offers.take(change(7, { after: [item(1, state(7))] }), true).offer).toBeNull();
  offers.take(deletion(1, 8), false);
  const { offer } = offers.take(change(9, { after: [item(1, state(9))] }), false);
  expect(offer && offers.undoOf(offer)).toMatchObject({ kind: "restored" });
});

test("newest_own_change_is_the_one_to_undo_and_older_ones_stay", () => {
  const offers = editor();
  const edit = (revision: number, title: string) =>
    change(revision, {
      own: true,
      before: [item(1, state(revision - 1))],
      after: [item(1, state(revision), { title })],
    });
  const older = offers.take(edit(6, "One"), false).offer;
  const newer = offers.take(edit(7, "Two"), false).offer;
  offers.take(deletion(2, 8), false);
  expect(offers.newestOwn()).toBe(newer);
  if (newer) offers.remove(newer);
  expect(offers.newestOwn()).toBe(older);
});

test("creation_is_offered_when_this_page_made_it_whichever_comes_first", () => {
  const made = change(6, { own: true, after: [item(1, state(6))] });
  const pushFirst = editor();
  const { offer } = pushFirst.take(made, false);
  expect(offer && pushFirst.undoOf(offer)).toBeNull();
  expect(pushFirst.created(state(6))).toBe(offer);
  expect(offer && pushFirst.undoOf(offer)).toMatchObject({ kind: "created" });
  const answerFirst = editor();
  expect(answerFirst.created(state(6))).toBeNull();
  const later = answerFirst.take(made, false).offer;
  expect(later && answerFirst.undoOf(later)).toMatchObject({ kind: "created" });
});

test("offers_go_with_their_calendar", () => {
  const offers = editor();
  const { offer } = offers.take(deletion(1, 6), false);
  expect(offers.forget(CALENDAR)).toEqual([offer]);
});
