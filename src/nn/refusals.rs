//! The pages of modules and criteria whose input, target or fields do not fit.

use super::{activity::Activity, fields::Fields};
use crate::error::{Error, Kind, Result};

/// "size mismatch": the error of a module whose input has another shape. `wants` is in words: `[784] or [n, 784]`.
#[must_use]
pub fn size_mismatch(input: &Activity, wants: impl Into<String>) -> Error {
    Error::new(Kind::Shape, "the input does not fit the module")
        .with_fact("it was given", input.shape())
        .with_fact("it wants", wants.into())
}

/// Checks that targets, of which `low` is the least and `high` the greatest, lie from `least` (1, or 0 where that stands
/// for no class) to `classes`.
///
/// # Errors
/// `Kind::Shape` when one does not.
pub fn check_classes((low, high): (i64, i64), least: i64, classes: i64) -> Result<()> {
    if low >= least && high <= classes {
        return Ok(());
    }
    let wrong = if low < least { low } else { high };
    let page = Error::new(Kind::Shape, format!("target {wrong} is no class from 1 to {classes}"));
    Err(page.with_help(match wrong {
        0 => {
            "classes are counted from 1, as in Torch; a database's labels, which count from 0, do so too once the classes \
             have names: run --train-db DIR --labels FILE, dataset generic --labels FILE, or dataset pairs --class-names FILE"
                .to_string()
        }
        _ => format!(
            "classes are counted from 1, and the network's last layer gives one value for each: where labels.txt has fewer \
             names than there are classes, params.nclasses is too small; a class that is to be left out is an argument of \
             the loss: nn.SpatialClassNLLCriterion(nil, true, {wrong})"
        ),
    }))
}

/// The error of a module whose field `name` was set to nil although it cannot work without it.
#[must_use]
pub fn missing(fields: &dyn Fields, name: &str) -> Error {
    Error::new(Kind::Network, format!("{} has lost its {name} (it is nil)", fields.class()))
        .with_help(format!("do not set {name} to nil, or remove the module"))
}
