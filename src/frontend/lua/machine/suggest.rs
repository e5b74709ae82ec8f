//! "Did you mean …": the nearest of some known names, by edits, ignoring case.

/// The known name nearest to `name`, unless none is near: at most one edit in three letters.
///
/// An edit inserts, deletes or replaces a letter, or swaps two neighbours (Damerau's restricted distance).
#[must_use]
pub fn closest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (name.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two names, letters compared without case.
fn distance(a: &str, b: &str) -> usize {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (a, b) = (lower(a), lower(b));
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_wins_and_far_ones_do_not_count() {
        let known = ["Linear", "ReLU", "SpatialConvolution", "SpatialMaxPooling", "Tanh", "View"];
        assert_eq!(closest("Lineer", known), Some("Linear"));
        assert_eq!(closest("Relu", known), Some("ReLU"));
        assert_eq!(closest("SpatialConvolutoin", known), Some("SpatialConvolution"));
        assert_eq!(closest("Veiw", known), Some("View"));
        assert_eq!(closest("Transformer", known), None);
        assert_eq!(closest("", known), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("ABC", "abc"), 0);
    }
}
