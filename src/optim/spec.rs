//! `OptimizerSpec`: a rule by its name, and its settings.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// The rules that DIGITS offers, by their names in Torch's `optim`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Momentum with dampening.
    Sgd,
    /// Nesterov's accelerated gradient.
    Nag,
    /// Adagrad.
    Adagrad,
    /// RMSProp.
    Rmsprop,
    /// Adadelta; takes no learning rate.
    Adadelta,
    /// Adam.
    Adam,
}

impl OptimizerKind {
    /// Every rule, in the order of DIGITS' menu.
    pub const ALL: [OptimizerKind; 6] = [
        OptimizerKind::Sgd,
        OptimizerKind::Nag,
        OptimizerKind::Adagrad,
        OptimizerKind::Rmsprop,
        OptimizerKind::Adadelta,
        OptimizerKind::Adam,
    ];

    /// Its name in Torch's `optim`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OptimizerKind::Sgd => "sgd",
            OptimizerKind::Nag => "nag",
            OptimizerKind::Adagrad => "adagrad",
            OptimizerKind::Rmsprop => "rmsprop",
            OptimizerKind::Adadelta => "adadelta",
            OptimizerKind::Adam => "adam",
        }
    }
}

impl fmt::Display for OptimizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OptimizerKind {
    type Err = Error;

    /// Takes the name of the rule in any case, and DIGITS' menu word `NESTEROV`.
    fn from_str(text: &str) -> Result<Self> {
        let lower = text.to_lowercase();
        let name = if lower == "nesterov" { "nag" } else { &lower };
        OptimizerKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            Error::new(Kind::Usage, format!("there is no optimizer '{text}'"))
                .with_help("choose one of sgd, nag (nesterov), adagrad, rmsprop, adadelta, adam")
        })
    }
}

/// A rule and its settings. The defaults are those of DIGITS' Torch trainer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerSpec {
    /// The rule.
    pub kind: OptimizerKind,
    /// Momentum of `sgd` and `nag`, 0 to below 1.
    pub momentum: f64,
    /// Dampening of `sgd`; `None` is Torch's default, the momentum itself: v ← 0.9 v + 0.1 g.
    pub dampening: Option<f64>,
    /// L2 penalty, on all parameters.
    pub weight_decay: f64,
    /// `sgd`, `nag`, `adagrad` and `adam` use rate / (1 + t · decay) at their t-th step, from 0. Leave it 0 when the
    /// schedule is `torch_sgd`, which does the same.
    pub learning_rate_decay: f64,
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        OptimizerSpec {
            kind: OptimizerKind::Sgd,
            momentum: 0.9,
            dampening: None,
            weight_decay: 1e-4,
            learning_rate_decay: 0.0,
        }
    }
}

impl OptimizerSpec {
    /// The dampening in force.
    #[must_use]
    pub fn dampening(&self) -> f64 {
        self.dampening.unwrap_or(self.momentum)
    }
}
