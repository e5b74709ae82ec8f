//! `Cut`: where a module that the user wrote interrupts libtorch's graph.

use super::activity::Activity;
use crate::error::Result;

/// A place where the graph is cut: the user's own backward carries the gradient from `output` to `input`.
pub struct Cut {
    /// The activity before the cut, in the graph of the segment before it.
    pub input: Activity,
    /// Leaves that start the graph of the segment behind the cut.
    pub output: Activity,
    /// Gradient with respect to the input, from the gradient with respect to the output. Also accumulates the
    /// gradients of the module's own parameters where the module keeps them.
    #[allow(clippy::type_complexity)]
    pub backward: Box<dyn FnOnce(&Activity) -> Result<Activity>>,
}
