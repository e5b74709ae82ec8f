//! Whether an output can be shown as somebody wants it shown.

use super::{
    output_kind::OutputKind,
    output_view::{Order, Rectangle},
};
use crate::{
    error::{Error, Kind, Result},
    nn::Network,
};

/// What an output is shown as: what somebody asks for, else what it is. The shapes are those of one sample's input and output.
///
/// # Errors
/// When the output cannot be shown as somebody asks for: what that wants.
pub fn chosen(
    wanted: Option<OutputKind>,
    network: &Network,
    [input, output]: [&[i64]; 2],
    order: Order,
    target_is_input: bool,
) -> Result<OutputKind> {
    match wanted {
        Some(view) => check(view, network, input, output, order).map(|()| view),
        None => Ok(OutputKind::of(network, input, output, target_is_input)),
    }
}

/// Whether an output, both shapes of one sample, can be shown as somebody asks for.
///
/// # Errors
/// When it cannot: what it wants.
fn check(view: OutputKind, network: &Network, input: &[i64], output: &[i64], order: Order) -> Result<()> {
    let count = |shape: &[i64]| shape.iter().product::<i64>();
    let channels = match order {
        Order::Chw => output.first(),
        Order::Hwc => output.last(),
    };
    let (fits, name, wants) = match view {
        OutputKind::Numbers => return Ok(()),
        OutputKind::Reconstruction => {
            (count(output) == count(input), "reconstruction", format!("{} numbers, as the input has", count(input)))
        }
        OutputKind::Classes => (
            network.scores().is_some() && count(output) > 1 && output.iter().filter(|side| **side > 1).count() == 1,
            "classes",
            "a score a class, of a network that ends in nn.LogSoftMax or nn.SoftMax or has a loss for classes".into(),
        ),
        OutputKind::Image => (
            output.len() == 2 || output.len() == 3 && channels.is_some_and(|channels| matches!(channels, 1 | 3)),
            "image",
            "[h, w], [1, h, w] or [3, h, w]; with --order hwc [h, w, 1] or [h, w, 3]".into(),
        ),
        OutputKind::LabelImage => (output.len() == 3 && output[0] > 1, "segmentation", "[classes, h, w]".into()),
        OutputKind::Boxes => (
            Rectangle::all(output, &[]).is_some(),
            "boxes",
            "rows of left, top, right, bottom, and confidence where it is known".into(),
        ),
    };
    if fits {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("this output cannot be shown as {name}"))
        .with_fact("the output of an image is", format!("{output:?}"))
        .with_fact("it wants", wants)
        .with_help("leave --view out to see it as what it is, or give --view numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::toy;

    #[test]
    fn a_view_that_says_nothing_of_the_output_is_refused_with_what_it_wants() {
        let (autoencoder, classifier) = (toy::autoencoder(), toy::classifier());
        let of = |view, network: &Network, output: &[i64]| {
            check(view, network, &[1, 4, 4], output, Order::Chw).map_err(|page| page.to_string())
        };
        for (view, network, fits, does_not, wants) in [
            (OutputKind::Reconstruction, &autoencoder, &[1i64, 4, 4][..], &[7i64][..], "16 numbers"),
            (OutputKind::Classes, &classifier, &[7], &[7, 4, 4], "a score a class"),
            (OutputKind::Image, &autoencoder, &[3, 4, 4], &[2, 4, 4], "[3, h, w]"),
            (OutputKind::LabelImage, &classifier, &[5, 4, 4], &[5], "[classes, h, w]"),
            (OutputKind::Boxes, &autoencoder, &[9, 5], &[9, 3], "left, top"),
        ] {
            assert_eq!(of(view, network, fits), Ok(()), "{view:?}");
            let page = of(view, network, does_not).unwrap_err();
            assert!(page.contains(wants) && page.contains("--view numbers"), "{page}");
            assert_eq!(of(OutputKind::Numbers, network, does_not), Ok(()));
        }
        assert!(of(OutputKind::Classes, &autoencoder, &[7]).is_err(), "its numbers are no scores");
    }
}
