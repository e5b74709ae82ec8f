"""What is worse in one table than in another."""
import statistics


def worse(old, new):
    """Lines about figures whose median left the old table's range for the worse, by more than a tenth."""
    before = {row["figure"]: row for row in old["rows"]}
    lines = []
    for row in new["rows"]:
        known = before.get(row["figure"])
        if known is None:
            continue
        then, now = statistics.median(known["values"]), statistics.median(row["values"])
        if row["better"] == "higher":
            is_worse = now < min(known["values"]) and now < 0.9 * then
        else:
            is_worse = now > max(known["values"]) and now > 1.1 * then
        if is_worse:
            lines.append(f"{row['figure']}: {now:.{row['digits']}f}, was {then:.{row['digits']}f}")
    gone = [figure for figure in before if figure not in {row["figure"] for row in new["rows"]}]
    return lines + [f"{figure}: no longer measured" for figure in gone]
