//! LAPACK's functions: solving, decompositions, eigenvalues. Results lie in columns, as in Torch7.
//!
//! Source: torch7 `TensorMath.lua` and `lib/TH/generic/THTensorLapack.c`; libtorch calls the same LAPACK.

use tch::Tensor as T;

use crate::frontend::lua::tensor::{
    call::{Answer, Call},
    form::Arg,
    functions::products::MULTIPLY_ADDS,
    refusal::{checked, misfit, refuse},
    row::{Results, Row},
};

type Found = mlua::Result<Vec<T>>;

/// Argument `at`, a matrix; a vector stands for a matrix of one column where `or_column` says so.
fn matrix(call: &Call, at: usize, or_column: bool) -> mlua::Result<T> {
    match call.tensor(at).dim() {
        2 => Ok(call.view(at)),
        1 if or_column => checked(call.view(at).f_unsqueeze(1)),
        _ => Err(misfit(format!("a matrix is wanted, not {:?}", call.tensor(at).size()))),
    }
}

fn square(call: &Call, at: usize) -> mlua::Result<T> {
    let a = matrix(call, at, false)?;
    if a.size()[0] == a.size()[1] {
        Ok(a)
    } else {
        Err(misfit(format!("a square matrix is wanted, not {:?}", a.size())))
    }
}

/// The same elements, column after column in memory.
fn in_columns(a: &T) -> mlua::Result<T> {
    if a.dim() != 2 {
        return checked(a.f_contiguous());
    }
    checked(checked(checked(a.f_transpose(0, 1))?.f_contiguous())?.f_transpose(0, 1))
}

/// A function of up to `results` tensors in the order Torch7 answers them.
fn row(name: &'static str, results: usize, forms: &[&str], f: fn(&Call) -> Found) -> Row {
    Row::new(name, Results::Many(results), forms, move |call| {
        call.floating_only(name)?;
        let mut found = f(call)?;
        // Eigenvalues are pairs of numbers, not a matrix.
        let first = usize::from(name == "eig");
        for one in &mut found[first..] {
            *one = in_columns(one)?;
        }
        Ok(Answer::Several(found))
    })
    .costs(seconds)
}

/// Seconds that a decomposition takes at the very least: an operation for each element and each row or column.
fn seconds(call: &Call) -> f64 {
    let size = call.args.iter().filter_map(|arg| if let Arg::Tensor(tensor, _) = arg { Some(tensor) } else { None });
    let work = |tensor: &crate::torch::Tensor| {
        let size = tensor.size();
        tensor.numel() as f64 * size.iter().copied().min().unwrap_or(0) as f64
    };
    size.map(work).fold(0.0, f64::max) / MULTIPLY_ADDS
}

/// `x, lu` of `a x = b`.
fn gesv(call: &Call) -> Found {
    let (b, a) = (matrix(call, 0, true)?, square(call, 1)?);
    let (lu, pivots) = checked(T::f_linalg_lu_factor(&a, true))?;
    let zero = checked(checked(checked(lu.f_diagonal(0, 0, 1))?.f_eq(0))?.f_nonzero())?;
    if zero.size()[0] > 0 {
        let at = zero.int64_value(&[0, 0]) + 1;
        return Err(refuse(format!("Lapack Error in gesv : U({at},{at}) is zero, singular U.")));
    }
    let x = checked(T::f_linalg_lu_solve(&lu, &pivots, &b, true, false))?;
    Ok(vec![x, lu])
}

/// The least-squares solution `[n, k]`, and the triangular factor.
fn gels(call: &Call) -> Found {
    let (b, a) = (matrix(call, 0, true)?, matrix(call, 1, false)?);
    let (m, n) = (a.size()[0], a.size()[1]);
    let (q, r) = checked(T::f_linalg_qr(&a, "complete"))?;
    if m < n {
        let (x, _, _, _) = checked(T::f_linalg_lstsq(&a, &b, None::<f64>, "gelsd"))?;
        return Ok(vec![x, r]);
    }
    let rotated = checked(checked(q.f_transpose(0, 1))?.f_mm(&b))?;
    let upper = checked(r.f_narrow(0, 0, n))?;
    let x = checked(T::f_linalg_solve_triangular(&upper, &checked(rotated.f_narrow(0, 0, n))?, true, true, false))?;
    Ok(vec![x, r])
}

/// `a x = b` with a triangular `a`: flags upper, transposed, unit diagonal.
fn trtrs(call: &Call) -> Found {
    let (b, a) = (matrix(call, 0, true)?, square(call, 1)?);
    let upper = call.text(2, "U") == "U";
    let (transposed, unit) = (call.text(3, "N") != "N", call.text(4, "N") == "U");
    let triangle = checked(if upper { a.f_triu(0) } else { a.f_tril(0) })?;
    let triangle = if transposed { checked(triangle.f_transpose(0, 1))? } else { triangle };
    let x = checked(T::f_linalg_solve_triangular(&triangle, &b, upper != transposed, true, unit))?;
    Ok(vec![x, a])
}

/// Eigenvalues of a symmetric matrix, ascending, and the vectors as columns when asked for (`'V'`).
fn symeig(call: &Call) -> Found {
    let a = square(call, 0)?;
    let triangle = if call.text(2, "U") == "L" { "L" } else { "U" };
    let (values, vectors) = checked(a.f_linalg_eigh(triangle))?;
    Ok(if call.text(1, "N") == "V" { vec![values, vectors] } else { vec![values] })
}

/// Eigenvalues `[n, 2]` (real, imaginary); with `'V'` the vectors as LAPACK packs them: a pair of conjugate ones takes
/// two columns, the real and the imaginary part.
fn eig(call: &Call) -> Found {
    let a = square(call, 0)?;
    let (values, vectors) = checked(a.f_linalg_eig())?;
    let pairs = checked(checked(values.f_view_as_real())?.f_contiguous())?;
    if call.text(1, "N") != "V" {
        return Ok(vec![pairs]);
    }
    let n = a.size()[0];
    let parts = checked(vectors.f_view_as_real())?;
    let (real, imaginary) = (checked(parts.f_select(2, 0))?, checked(parts.f_select(2, 1))?);
    let mut columns = Vec::new();
    let mut at = 0;
    while at < n {
        columns.push(checked(real.f_select(1, at))?);
        if pairs.double_value(&[at, 1]) != 0.0 && at + 1 < n {
            columns.push(checked(imaginary.f_select(1, at))?);
            at += 1;
        }
        at += 1;
    }
    Ok(vec![pairs, checked(T::f_stack(&columns, 1))?])
}

/// `a = u diag(s) vᵀ`; `'A'` gives all columns of u and v, `'S'` the first min(m, n).
fn svd(call: &Call) -> Found {
    let a = matrix(call, 0, false)?;
    let (u, s, v) = checked(a.f_svd(call.text(1, "S") != "A", true))?;
    Ok(vec![u, s, v])
}

fn inverse(call: &Call) -> Found {
    let a = square(call, 0)?;
    let (found, info) = checked(T::f_linalg_inv_ex(&a, false))?;
    let info = checked(info.f_int64_value(&[]))?;
    if info > 0 {
        return Err(refuse(format!("Lapack Error getrf : U({info},{info}) is 0, U is singular")));
    }
    Ok(vec![found])
}

/// Whether argument `at` asks for the upper triangle, which is the default.
fn is_upper(call: &Call, at: usize) -> bool {
    call.text(at, "U") != "L"
}

fn potrf(call: &Call) -> Found {
    let upper = is_upper(call, 1);
    let (factor, info) = checked(square(call, 0)?.f_linalg_cholesky_ex(upper, false))?;
    let info = checked(info.f_int64_value(&[]))?;
    if info > 0 {
        return Err(refuse(format!(
            "Lapack Error in potrf : the leading minor of order {info} is not positive definite"
        )));
    }
    Ok(vec![factor])
}

fn potrs(call: &Call) -> Found {
    let (b, factor) = (matrix(call, 0, true)?, square(call, 1)?);
    Ok(vec![checked(b.f_cholesky_solve(&factor, is_upper(call, 2)))?])
}

fn potri(call: &Call) -> Found {
    Ok(vec![checked(square(call, 0)?.f_cholesky_inverse(is_upper(call, 1)))?])
}

fn qr(call: &Call) -> Found {
    let (q, r) = checked(T::f_linalg_qr(&matrix(call, 0, false)?, "reduced"))?;
    Ok(vec![q, r])
}

fn geqrf(call: &Call) -> Found {
    let (packed, tau) = checked(matrix(call, 0, false)?.f_geqrf())?;
    Ok(vec![packed, tau])
}

fn orgqr(call: &Call) -> Found {
    Ok(vec![checked(matrix(call, 0, false)?.f_orgqr(&call.view(1)))?])
}

/// `q c`, `c q` or with the transposed q, from geqrf's packed form: arguments a, tau, c, side, transposed.
fn ormqr(call: &Call) -> Found {
    let (left, transposed) = (call.text(3, "L") == "L", call.text(4, "N") == "T");
    Ok(vec![checked(matrix(call, 0, false)?.f_ormqr(&call.view(1), &matrix(call, 2, false)?, left, transposed))?])
}

/// Cholesky with complete pivoting: `pᵀ a p = uᵀ u`; answers the factor and the 1-based pivots, as LAPACK's `pstrf`.
fn pstrf(call: &Call) -> mlua::Result<Answer> {
    call.floating_only("pstrf")?;
    let _ = square(call, 0)?;
    let n = call.tensor(0).size()[0] as usize;
    let mut a = checked(call.tensor(0).values())?;
    let upper = is_upper(call, 1);
    let mut pivots: Vec<usize> = (0..n).collect();
    // Only one triangle is given: mirror it, then work on the full matrix.
    for i in 0..n {
        for j in 0..i {
            if upper { a[i * n + j] = a[j * n + i] } else { a[j * n + i] = a[i * n + j] }
        }
    }
    let tolerance = n as f64 * f64::EPSILON * (0..n).map(|i| a[i * n + i]).fold(0.0, f64::max);
    let mut factor = vec![0.0; n * n];
    for k in 0..n {
        let left = |j: usize, factor: &[f64]| a[j * n + j] - (0..k).map(|i| factor[i * n + j].powi(2)).sum::<f64>();
        let best = (k..n).max_by(|&x, &y| left(x, &factor).total_cmp(&left(y, &factor))).unwrap_or(k);
        if left(best, &factor) <= tolerance {
            break;
        }
        pivots.swap(k, best);
        for i in 0..n {
            a.swap(k * n + i, best * n + i);
        }
        for i in 0..n {
            a.swap(i * n + k, i * n + best);
            factor.swap(i * n + k, i * n + best);
        }
        let diagonal = (a[k * n + k] - (0..k).map(|i| factor[i * n + k].powi(2)).sum::<f64>()).sqrt();
        factor[k * n + k] = diagonal;
        for j in k + 1..n {
            let known: f64 = (0..k).map(|i| factor[i * n + k] * factor[i * n + j]).sum();
            factor[k * n + j] = (a[k * n + j] - known) / diagonal;
        }
    }
    let size = [n as i64, n as i64];
    let factor = checked(crate::torch::Tensor::from_values(call.tensor_type, &size, &factor))?.view();
    let factor = if upper { factor } else { checked(factor.f_transpose(0, 1))? };
    let pivots: Vec<i64> = pivots.into_iter().map(|pivot| pivot as i64).collect();
    Ok(Answer::Pivoted(in_columns(&factor)?, checked(T::f_from_slice(&pivots))?))
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("gesv", 2, &["tt"], gesv),
        row("gels", 2, &["tt"], gels),
        row("trtrs", 2, &["tts?s?s?"], trtrs),
        row("symeig", 2, &["ts?s?"], symeig),
        row("eig", 2, &["ts?"], eig),
        row("svd", 3, &["ts?"], svd),
        row("inverse", 1, &["t"], inverse),
        row("potrf", 1, &["ts?"], potrf),
        row("potrs", 1, &["tts?"], potrs),
        row("potri", 1, &["ts?"], potri),
        row("qr", 2, &["t"], qr),
        row("geqrf", 2, &["t"], geqrf),
        row("orgqr", 1, &["tt"], orgqr),
        row("ormqr", 1, &["ttts?s?"], ormqr),
        Row::new("pstrf", Results::Pivoted, &["ts?"], pstrf).costs(|call| 30.0 * seconds(call)),
    ]
}
