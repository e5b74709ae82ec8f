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
    /// TensorFlow's Adagrad.
    #[serde(rename = "tf.adagrad")]
    TensorflowAdagrad,
    /// TensorFlow's Adadelta; takes a learning rate.
    #[serde(rename = "tf.adadelta")]
    TensorflowAdadelta,
    /// Follow the regularised leader.
    #[serde(rename = "tf.ftrl")]
    TensorflowFtrl,
    /// TensorFlow's RMSProp, with momentum.
    #[serde(rename = "tf.rmsprop")]
    TensorflowRmsprop,
}

/// The solvers of DIGITS' TensorFlow tool, in the order of its menu.
pub const TENSORFLOW_SOLVERS: [&str; 8] =
    ["sgd", "momentum", "adagrad", "adagradda", "adadelta", "adam", "ftrl", "rmsprop"];

impl OptimizerKind {
    /// Every rule of Torch's, in the order of DIGITS' menu.
    pub const ALL: [OptimizerKind; 6] = [
        OptimizerKind::Sgd,
        OptimizerKind::Nag,
        OptimizerKind::Adagrad,
        OptimizerKind::Rmsprop,
        OptimizerKind::Adadelta,
        OptimizerKind::Adam,
    ];

    /// Its name in Torch's `optim`; of TensorFlow's own rules with `tf.` before it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OptimizerKind::Sgd => "sgd",
            OptimizerKind::Nag => "nag",
            OptimizerKind::Adagrad => "adagrad",
            OptimizerKind::Rmsprop => "rmsprop",
            OptimizerKind::Adadelta => "adadelta",
            OptimizerKind::Adam => "adam",
            OptimizerKind::TensorflowAdagrad => "tf.adagrad",
            OptimizerKind::TensorflowAdadelta => "tf.adadelta",
            OptimizerKind::TensorflowFtrl => "tf.ftrl",
            OptimizerKind::TensorflowRmsprop => "tf.rmsprop",
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

    /// The rule that DIGITS' TensorFlow tool means by `solver`, without weight decay. `momentum` is used by `momentum` and
    /// `rmsprop`; DIGITS leaves it at 0.9.
    ///
    /// # Errors
    /// `Kind::Usage` when there is no such solver, or when it never worked in DIGITS (`adagradda`).
    pub fn tensorflow(solver: &str, momentum: f64) -> Result<OptimizerSpec> {
        let lower = solver.to_lowercase();
        let (kind, momentum) = match lower.as_str() {
            "sgd" => (OptimizerKind::Sgd, 0.0),
            "momentum" => (OptimizerKind::Sgd, momentum),
            "adam" => (OptimizerKind::Adam, 0.0),
            "adagrad" => (OptimizerKind::TensorflowAdagrad, 0.0),
            "adadelta" => (OptimizerKind::TensorflowAdadelta, 0.0),
            "ftrl" => (OptimizerKind::TensorflowFtrl, 0.0),
            "rmsprop" => (OptimizerKind::TensorflowRmsprop, momentum),
            "adagradda" => {
                return Err(Error::new(Kind::Usage, "the solver adagradda does not exist here")
                    .with_cause("it counts steps in whole numbers, DIGITS counted them in floats: it never ran")
                    .with_help("choose adagrad, which follows the same idea"));
            }
            _ => {
                let there_is: Vec<&str> =
                    TENSORFLOW_SOLVERS.into_iter().filter(|solver| *solver != "adagradda").collect();
                return Err(Error::new(Kind::Usage, format!("there is no TensorFlow solver '{solver}'"))
                    .with_help(format!("choose one of {}", there_is.join(", "))));
            }
        };
        let dampening = Some(0.0);
        Ok(OptimizerSpec { kind, momentum, dampening, weight_decay: 0.0, learning_rate_decay: 0.0 })
    }
}
