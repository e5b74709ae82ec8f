//! What Lua sees when a call is refused.

use crate::error::{Error, Kind};

/// An argument error as Lua sees it.
pub(super) fn refuse(message: impl Into<String>) -> mlua::Error {
    mlua::Error::external(Error::new(Kind::Argument, message))
}

/// A shape error as Lua sees it.
pub(super) fn misfit(message: impl Into<String>) -> mlua::Error {
    mlua::Error::external(Error::new(Kind::Shape, message))
}

/// A result of libtorch's or of this crate's, its refusal as Lua sees it.
pub(super) fn checked<T, E: Into<Error>>(result: Result<T, E>) -> mlua::Result<T> {
    result.map_err(|error| mlua::Error::external(error.into()))
}
