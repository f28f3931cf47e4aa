/** Provides an immutable map by item id that changes without copying ten thousand rows. */

const BUCKETS = 256;

/** An immutable map whose keys are UUIDs. A new version shares all buckets except those that changed. */
export class Shelf<V> {
  private constructor(
    private readonly buckets: readonly ReadonlyMap<string, V>[],
    readonly size: number,
  ) {}

  static empty<V>(): Shelf<V> {
    return new Shelf<V>(
      Array.from({ length: BUCKETS }, () => new Map<string, V>()),
      0,
    );
  }

  get(id: string): V | undefined {
    return this.buckets[bucketOf(id)]?.get(id);
  }

  has(id: string): boolean {
    return this.get(id) !== undefined;
  }

  *[Symbol.iterator](): Generator<[string, V]> {
    for (const bucket of this.buckets) yield* bucket;
  }

  *values(): Generator<V> {
    for (const bucket of this.buckets) yield* bucket.values();
  }

  /** Return a version with some entries set, or deleted where the value is undefined. Later entries win. */
  with(changes: Iterable<readonly [string, V | undefined]>): Shelf<V> {
    const buckets = this.buckets.slice();
    const own = new Map<number, Map<string, V>>();
    let { size } = this;
    for (const [id, value] of changes) {
      const at = bucketOf(id);
      const bucket = own.get(at) ?? new Map(buckets[at]);
      own.set(at, bucket);
      buckets[at] = bucket;
      size -= bucket.size;
      if (value === undefined) bucket.delete(id);
      else bucket.set(id, value);
      size += bucket.size;
    }
    return own.size === 0 ? this : new Shelf(buckets, size);
  }
}

// The last two hex digits are random in every kind of UUID but the oldest, and good enough there.
function bucketOf(id: string): number {
  return Number.parseInt(id.slice(-2), 16) & (BUCKETS - 1);
}
