//! `rank_list`: ranks by their numbers, for a sentence: some are named, the rest is counted.

/// How many are named.
pub(super) const NAMED: usize = 4;

/// `rank 3`, `ranks 1 and 2`, `ranks 1, 2, 3, 4 and 995 more`; nothing for none.
pub(super) fn rank_list(ranks: &[usize]) -> String {
    let texts = |ranks: &[usize]| ranks.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    match ranks {
        [] => String::new(),
        [one] => format!("rank {one}"),
        many if many.len() > NAMED + 1 => format!("ranks {} and {} more", texts(&many[..NAMED]), many.len() - NAMED),
        [first @ .., last] => format!("ranks {} and {last}", texts(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_named_and_the_rest_is_counted() {
        let upto = |count: usize| rank_list(&(1..=count).collect::<Vec<_>>());
        assert_eq!((upto(0), upto(1), upto(2)), (String::new(), "rank 1".into(), "ranks 1 and 2".into()));
        assert_eq!(upto(5), "ranks 1, 2, 3, 4 and 5");
        assert_eq!(upto(999), "ranks 1, 2, 3, 4 and 995 more");
    }
}
