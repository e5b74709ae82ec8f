//! Recognises a Lua function that does nothing, or only gives an argument back, by its compiled code: how a frozen layer's
//! `accGradParameters = function() end` is known by its effect, whatever its name, arguments or comments.

use mlua::Function;

/// Length of the header of Lua 5.1's compiled chunks.
const HEADER: usize = 12;
/// Opcode 30 of Lua 5.1: return.
const OP_RETURN: u32 = 30;

/// Whether the function's whole code is `return` without values.
pub(in crate::frontend::lua) fn does_nothing(function: &Function) -> bool {
    only_returns(&function.dump(true)).unwrap_or(false)
}

/// The argument, from 0, that the function answers when that is all it does: `function(input, label) return input end`.
pub(in crate::frontend::lua) fn returned_argument(function: &Function) -> Option<u32> {
    let (parameters, code) = code_of(&function.dump(true))?;
    // One value from the register of a parameter, then the return at every function's end.
    let (first, rest) = code.split_first()?;
    let (opcode, register, values) = (first & 0x3f, first >> 6 & 0xff, first >> 23);
    let only_ends = rest.iter().all(|instruction| instruction & 0x3f == OP_RETURN);
    (opcode == OP_RETURN && values == 2 && only_ends && register < u32::from(parameters)).then_some(register)
}

fn only_returns(dump: &[u8]) -> Option<bool> {
    let (_, code) = code_of(dump)?;
    Some(code.iter().all(|instruction| instruction & 0x3f == OP_RETURN && instruction >> 23 == 1))
}

/// Number of parameters and instructions, by the layout of `lundump.c` (Lua 5.1): header, source name, lines, counts, code.
fn code_of(dump: &[u8]) -> Option<(u8, Vec<u32>)> {
    let size_of_int = usize::from(*dump.get(7)?);
    let size_of_size = usize::from(*dump.get(8)?);
    let mut at = HEADER;
    let name_length = little_endian(dump, at, size_of_size)?;
    at += size_of_size + usize::try_from(name_length).ok()?;
    at += 2 * size_of_int; // first and last line
    let parameters = *dump.get(at + 1)?;
    at += 4; // upvalues, parameters, vararg flag, stack size
    let instructions = little_endian(dump, at, size_of_int)?;
    at += size_of_int;
    let instruction = |i| u32::try_from(little_endian(dump, at + 4 * i, 4)?).ok();
    let code = (0..usize::try_from(instructions).ok()?).map(instruction).collect::<Option<_>>()?;
    Some((parameters, code))
}

fn little_endian(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_without_any_effect_do_nothing() {
        let lua = mlua::Lua::new();
        let cases = [
            ("function() end", true),
            ("function(self, input, gradOutput, scale) end", true),
            ("function(...) end", true),
            ("function() return end", true),
            ("function() return 1 end", false),
            ("function(self) self.x = 1 end", false),
            ("function() print('frozen') end", false),
            ("function(self, x) return self end", false),
        ];
        for (text, nothing) in cases {
            let function: Function = lua.load(format!("return {text}")).eval().unwrap();
            assert_eq!(does_nothing(&function), nothing, "{text}");
        }
    }

    #[test]
    fn only_functions_that_give_an_argument_back_are_known_to() {
        let lua = mlua::Lua::new();
        let cases = [
            ("function(input, label) return input end", Some(0)),
            ("function(input, label) return label end", Some(1)),
            ("function(input) return input end", Some(0)),
            ("function(input, ...) return input end", Some(0)),
            ("function(input) input:mul(2) return input end", None),
            ("function(input) input = 3 return input end", None),
            ("function(input, label) return input, label end", None),
            ("function(input, label) local x return x end", None),
            ("function(input, label) if label then return input end return label end", None),
            ("function() return x end", None),
            ("function(...) return ... end", None),
            ("function() end", None),
        ];
        for (text, wanted) in cases {
            let function: Function = lua.load(format!("return {text}")).eval().unwrap();
            assert_eq!(returned_argument(&function), wanted, "{text}");
        }
    }
}
