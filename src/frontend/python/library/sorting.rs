//! `sorted`, `list.sort`, `min`, `max`: a stable sort whose comparisons may raise.

use std::cmp::Ordering;

use super::super::value::{Arguments, Interpreter, Outcome, Value};

impl Interpreter {
    /// Sorts by `key` or the items themselves.
    pub(super) fn sorted(&self, items: Vec<Value>, key: &Value, reverse: bool) -> Outcome<Vec<Value>> {
        self.room_for(items.len(), 4 * size_of::<Value>())?;
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            pairs.push((self.key_of(key, &item)?, item));
        }
        if reverse {
            // Sorting backwards keeps equal items in their order.
            pairs.reverse();
        }
        let mut sorted = self.merge_sort(pairs)?;
        if reverse {
            sorted.reverse();
        }
        Ok(sorted.into_iter().map(|(_, item)| item).collect())
    }

    fn key_of(&self, key: &Value, item: &Value) -> Outcome {
        if key.is_none() { Ok(item.clone()) } else { self.call(key, Arguments::of(vec![item.clone()])) }
    }

    fn merge_sort(&self, mut pairs: Vec<(Value, Value)>) -> Outcome<Vec<(Value, Value)>> {
        if pairs.len() < 2 {
            return Ok(pairs);
        }
        let right = pairs.split_off(pairs.len() / 2);
        let left = self.merge_sort(pairs)?;
        let right = self.merge_sort(right)?;
        let mut merged = Vec::with_capacity(left.len() + right.len());
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
            self.tick()?;
            let from = if self.sort_order(b, a)? == Ordering::Less { &mut right } else { &mut left };
            merged.extend(from.next());
        }
        merged.extend(left);
        merged.extend(right);
        Ok(merged)
    }

    /// The least item, or the greatest; the first of equal ones.
    pub(super) fn extreme(&self, items: Vec<Value>, key: &Value, wanted: Ordering) -> Outcome<Option<Value>> {
        let mut best: Option<(Value, Value)> = None;
        for item in items {
            self.tick()?;
            let rank = self.key_of(key, &item)?;
            let better = match &best {
                None => true,
                Some((top, _)) if wanted == Ordering::Less => self.sort_order(&rank, top)? == Ordering::Less,
                Some((top, _)) => self.sort_order(top, &rank)? == Ordering::Less,
            };
            if better {
                best = Some((rank, item));
            }
        }
        Ok(best.map(|(_, item)| item))
    }
}
