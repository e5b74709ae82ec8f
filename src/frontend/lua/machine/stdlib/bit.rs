//! The `bit` table of LuaJIT: operations on numbers taken modulo 2³², answers signed.

use mlua::{Lua, Table, Variadic};

/// The table with `tobit bnot bswap tohex band bor bxor lshift rshift arshift rol ror`.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let bit = lua.create_table()?;
    bit.set("tobit", lua.create_function(|_, x: f64| Ok(to_bit(x)))?)?;
    bit.set("bnot", lua.create_function(|_, x: f64| Ok(!to_bit(x)))?)?;
    bit.set("bswap", lua.create_function(|_, x: f64| Ok(to_bit(x).swap_bytes()))?)?;
    bit.set(
        "tohex",
        lua.create_function(|_, (x, digits): (f64, Option<f64>)| Ok(to_hex(to_bit(x), digits.map(to_bit))))?,
    )?;
    fold(lua, &bit, "band", |a, b| a & b)?;
    fold(lua, &bit, "bor", |a, b| a | b)?;
    fold(lua, &bit, "bxor", |a, b| a ^ b)?;
    shift(lua, &bit, "lshift", |x, n| x << n)?;
    shift(lua, &bit, "rshift", |x, n| x.cast_unsigned().wrapping_shr(n).cast_signed())?;
    shift(lua, &bit, "arshift", |x, n| x >> n)?;
    shift(lua, &bit, "rol", i32::rotate_left)?;
    shift(lua, &bit, "ror", i32::rotate_right)?;
    Ok(bit)
}

fn fold(lua: &Lua, bit: &Table, name: &str, join: fn(i32, i32) -> i32) -> mlua::Result<()> {
    let operation = move |_: &Lua, (first, rest): (f64, Variadic<f64>)| {
        Ok(rest.iter().fold(to_bit(first), |result, x| join(result, to_bit(*x))))
    };
    bit.set(name, lua.create_function(operation)?)
}

fn shift(lua: &Lua, bit: &Table, name: &str, operation: fn(i32, u32) -> i32) -> mlua::Result<()> {
    let shift = move |_: &Lua, (x, n): (f64, f64)| Ok(operation(to_bit(x), to_bit(n).cast_unsigned() & 31));
    bit.set(name, lua.create_function(shift)?)
}

/// Rounds to even and keeps the low 32 bits, as adding 2⁵² + 2⁵¹ does in LuaJIT.
fn to_bit(x: f64) -> i32 {
    let modulo = x.round_ties_even().rem_euclid(4_294_967_296.0);
    (if modulo.is_finite() { modulo as u64 as u32 } else { 0 }).cast_signed()
}

fn to_hex(x: i32, digits: Option<i32>) -> String {
    let digits = digits.unwrap_or(8);
    let kept = (digits.unsigned_abs() as usize).min(8);
    let text = format!("{x:08x}")[8 - kept..].to_string();
    if digits < 0 { text.to_uppercase() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_as_in_luajit() {
        let lua = Lua::new();
        lua.globals().set("bit", table(&lua).unwrap()).unwrap();
        let checks = "
            assert(bit.tobit(0xffffffff) == -1 and bit.tobit(2^32 + 5) == 5 and bit.tobit(2.5) == 2)
            assert(bit.bnot(0) == -1 and bit.bswap(0x12345678) == 0x78563412)
            assert(bit.band(0xff, 0x0f, 0x03) == 3 and bit.bor(1, 2, 4) == 7 and bit.bxor(5, 1) == 4)
            assert(bit.lshift(1, 31) == -2147483648 and bit.lshift(1, 33) == 2)
            assert(bit.rshift(-1, 28) == 15 and bit.arshift(-256, 4) == -16)
            assert(bit.rol(0x12345678, 12) == 0x45678123 and bit.ror(0x12345678, 12) == 0x67812345)
            assert(bit.tohex(255) == '000000ff' and bit.tohex(255, 2) == 'ff' and bit.tohex(-1, -4) == 'FFFF')";
        lua.load(checks).exec().unwrap();
    }
}
