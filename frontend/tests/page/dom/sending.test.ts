/** Tests what a form does while it is sent: nothing more, visibly, and with the focus where it was. */
// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from "vitest";
import { guardForms, sendOnce, startAnew } from "../../../src/page/dom/sending";

guardForms();

let form: HTMLFormElement;
let button: HTMLButtonElement;

beforeEach(() => {
  vi.useRealTimers();
  document.body.innerHTML =
    '<form method="post"><input name="name"><button>Create</button><button type="button">Close</button></form>';
  form = document.querySelector("form") as HTMLFormElement;
  button = document.querySelector("button") as HTMLButtonElement;
});

/** Return a request that the test answers by hand. */
function request() {
  let answer = () => {};
  let fail = (_: Error) => {};
  const send = vi.fn(
    () =>
      new Promise<void>((resolve, reject) => {
        [answer, fail] = [resolve, reject];
      }),
  );
  return { send, answer: () => answer(), fail: () => fail(new Error("lost")) };
}

function submit(): boolean {
  return form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
}

function waits(of: Element = button): boolean {
  return of.getAttribute("aria-disabled") === "true" && of.getAttribute("aria-busy") === "true";
}

test("a_form_sends_once_until_it_is_answered", async () => {
  const { send, answer } = request();
  const sent = sendOnce(form, send);
  void sendOnce(form, send);
  expect(send).toHaveBeenCalledTimes(1);
  answer();
  await sent;
  void sendOnce(form, send);
  expect(send).toHaveBeenCalledTimes(2);
});

test("a_form_says_that_it_waits_and_keeps_the_focus", async () => {
  const { send, answer } = request();
  button.focus();
  const sent = sendOnce(form, send);
  expect(waits()).toBe(true);
  expect(waits(form.querySelectorAll("button")[1] as Element)).toBe(false);
  expect(document.activeElement).toBe(button);
  answer();
  await sent;
  expect(waits()).toBe(false);
  expect(button.hasAttribute("aria-busy")).toBe(false);
});

test("a_form_may_be_sent_again_when_sending_failed", async () => {
  const { send, fail } = request();
  const sent = sendOnce(form, send);
  fail();
  await expect(sent).rejects.toThrow("lost");
  expect(waits()).toBe(false);
  void sendOnce(form, send);
  expect(send).toHaveBeenCalledTimes(2);
});

test("a_form_that_is_about_something_else_now_is_free_and_stays_held_by_its_own_sending", async () => {
  const [old, now] = [request(), request()];
  const first = sendOnce(form, old.send);
  startAnew(form);
  expect(waits()).toBe(false);
  const second = sendOnce(form, now.send);
  old.answer();
  await first;
  expect(waits()).toBe(true);
  now.answer();
  await second;
  expect(waits()).toBe(false);
});

test("a_busy_form_hears_of_no_submit_and_its_button_of_no_click", () => {
  const heard = vi.fn();
  form.addEventListener("submit", heard);
  button.addEventListener("click", heard);
  void sendOnce(form, request().send);
  expect(submit()).toBe(false);
  button.click();
  expect(heard).not.toHaveBeenCalled();
});

test("a_button_in_a_form_waits_alone", () => {
  const other = form.querySelectorAll("button")[1] as HTMLButtonElement;
  void sendOnce(form, request().send, other);
  expect([waits(), waits(other)]).toEqual([false, true]);
});

test("a_form_that_leads_to_another_page_is_sent_once_until_one_is_back_or_has_given_up", () => {
  vi.useFakeTimers();
  for (const free of [() => dispatchEvent(new Event("pageshow")), () => vi.runAllTimers()]) {
    expect(submit()).toBe(true);
    expect(waits()).toBe(true);
    expect(submit()).toBe(false);
    free();
    expect(waits()).toBe(false);
  }
});

test("a_form_of_htmx_is_held_while_its_request_is_under_way_but_not_while_it_only_asks", () => {
  const tell = (name: string, method: string, sourceElement: Element) =>
    sourceElement.dispatchEvent(
      new CustomEvent(`htmx:${name}:request`, {
        bubbles: true,
        detail: { ctx: { sourceElement, request: { method } } },
      }),
    );
  tell("before", "GET", button);
  expect(submit()).toBe(true);
  dispatchEvent(new Event("pageshow"));
  tell("before", "POST", form);
  expect([waits(), submit()]).toEqual([true, false]);
  tell("finally", "GET", button);
  expect(waits()).toBe(true);
  tell("finally", "POST", form);
  expect(waits()).toBe(false);
});
