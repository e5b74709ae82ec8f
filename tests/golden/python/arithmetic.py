print(7 // 2, -7 // 2, 7 // -2, -7 // -2, 7 % 3, -7 % 3, 7 % -3, -7 % -3)
#%%
print(7.5 // 2, -7.5 // 2, 7.5 % 2, -7.5 % 2, 7.5 % -2, 0.0 // 3, -0.0 // 3)
#%%
print(1 / 2, 7 / 7, 2 ** 10, 2 ** -1, 0 ** 0, (-2) ** 3, -2 ** 2, 2.0 ** 3, 4 ** 0.5)
#%%
print(1e16, 1e15, 123456789.123, 0.1 + 0.2, 1e-5, 0.0001, 1.0, -0.0, 1e300 * 1e10, 5e-324)
#%%
print(1 << 10, 1024 >> 3, -5 >> 1, 5 & 3, 5 | 3, 5 ^ 3, ~5, True & False, True | 2, True ^ True)
#%%
print(1 / 0)
#%%
print(1.5 // 0)
#%%
print(5 % 0)
#%%
print(0 ** -1)
#%%
print(True + True, True * 3, -True, +False, ~True, abs(-3), abs(-2.5), abs(True))
#%%
print(1 == 1.0, 1 == True, 0.1 + 0.2 == 0.3, 1 < 2 < 3, 1 < 3 < 2, 3 > 2 >= 2 != 1)
#%%
print(int(3.9), int(-3.9), int('12'), int(' -7 '), int('ff', 16), int('0x1f', 0), int('1_000'), int(True), int('101', 2))
#%%
print(int('x'))
#%%
print(int('1.5'))
#%%
print(float('1.5'), float(' -2e3 '), float('inf'), float('-Infinity'), float(3), float(True))
#%%
print(float('abc'))
#%%
print(round(2.5), round(3.5), round(-2.5), round(2.675, 2), round(1234.5678, -2), round(15, -1), round(25, -1), round(5), round(2.5, 0))
#%%
print(divmod(7, 2), divmod(-7, 2), divmod(7.5, 2), pow(2, 5), pow(2, 5, 7), pow(2.0, -1))
#%%
print(min(3, 1, 2), max([4, 9, 2]), min('b', 'a'), max([], default=5), min([3, -4], key=abs), max('aa', 'b', key=len))
#%%
print(sum([1, 2, 3]), sum([0.5, 1]), sum([[1], [2]], []), sum([], 7), sum(range(101)))
#%%
print(bin(10), oct(8), hex(255), bin(-3), chr(65), ord('a'), (10).bit_length(), (0).bit_length())
#%%
print(1 if 0.0 else 2, not 0, not '', not [], not None, bool(0.1), bool(''), bool('0'))
#%%
print(1 and 2, 0 and 2, 1 or 2, 0 or '' or 'x', None or [], not (1 and 0))
#%%
print(5 is 5 or True, None is None, [] is [], 3 is not None)
#%%
x = 5
x += 2; x -= 1; x *= 3; x //= 2; x **= 2; x %= 50
print(x)
x /= 4; print(x)
x = 6; x <<= 2; x >>= 1; x |= 1; x &= 0xd; x ^= 2
print(x)
#%%
print(0x1F, 0o17, 0b101, 1_000_000, 1e3, .5, 5., 1_0.5)
#%%
print(float(10**15), 10**15, 123456789012345678, 2**62, -2**62)
#%%
print((2.0).is_integer(), (2.5).is_integer(), (3).real, 3.0 .imag)
#%%
print(1 < 'a')
#%%
print([1] < [1, 2], (1, 2) < (1, 3), 'abc' < 'abd', [] == (), (1,) == (1,), {1: 2} == {1: 2.0})
#%%
print(type(1), type(1.0), type('a'), type(None), type([]), type(()), type({}), type(set()), type(True), type(int), type(range(3)))
#%%
import math
print(math.sqrt(16), math.pi, math.floor(-2.5), math.ceil(2.1), math.log(math.e), math.log(8, 2), math.pow(2, 3), math.exp(0), math.fabs(-2), math.gcd(12, 18), math.factorial(5), math.hypot(3, 4), math.isnan(float('nan')))
#%%
import math
print(math.sqrt(-1))
#%%
import math
print(math.log(0))
#%%
print(float('nan') == float('nan'), float('inf') > 10**18, -float('inf') < 0, [float('nan')] == [float('nan')])
#%%
print(hash(1) == hash(1.0), {1: 'a', 1.0: 'b', True: 'c'}, {0.5: 1}[0.5])
#%%
print(3 .__class__.__name__, (5).__class__ is int)
#%%
print(1_000 * 3, 10 // 3 * 3 + 10 % 3, 2 ** 3 ** 2, -3 ** 2, (2, 3) * 2, 2 * [1])
#%%
print(1 + '1')
#%%
print('1' + 1)
#%%
print([1] + (2,))
#%%
print(-'a')
#%%
print(1e308 * 10, -1e308 * 10, 1e-320, 2.5e-10, 12345678901234567.0, 1e22, 1e23)
#%%
print(0.1, 0.2, 0.3, 1/3, 2/3, 100.0, 1e2, 1.5e5, 3.0e-3)
#%%
print(round(0.5), round(1.5), round(1e10), round(-0.4), round(2.345, 1), round(99.995, 2))
#%%
print(pow(3, 100, 7), pow(-3, 5, 7), pow(3, 5, -7), pow(2, 3, 1), pow(2, 62, 2 ** 61 - 1))
#%%
print('{:09,}'.format(1), '{:08,}'.format(1), '{:07,}'.format(1), '{:012,.2f}'.format(1234.5), '{:+08,}'.format(1), '{:010,}'.format(float('inf')))
#%%
import math
print(math.expm1(0), math.log2(8), math.log10(1000), math.log1p(0), math.sin(0), math.cos(0), math.tan(0), math.asin(0), math.acos(1), math.atan(0), math.sinh(0), math.cosh(0), math.tanh(0), math.degrees(0), math.radians(0), math.asinh(0), math.acosh(1))
print(math.trunc(-2.7), math.atan2(0, 1), math.fmod(7, 3), math.copysign(2, -1), math.isinf(math.inf), math.isfinite(math.nan), math.prod([2, 3]), math.prod([], start=4), math.isclose(1, 1 + 1e-10), math.isclose(1, 2), math.tau > 6, math.log(100, 10), math.floor(5), math.ceil(-0.5), math.gcd(), math.factorial(0))
#%%
import math
math.factorial(-1)
#%%
import math
math.floor(float('inf'))
#%%
import math
math.exp(1000)
#%%
import math
math.sqrt('a')
#%%
print(7 // 2.0, 7 % 2.5, -7 // 2.0, 1e300 // 1e-5 > 0, 5.5 // -2, divmod(-5.5, 2), 2 ** 0.5, (-8) ** 2, 10 ** -2, 0.0 ** 0, 1 ** 10 ** 9)
#%%
print((-8.0) ** 2.0, 2 ** 3.0, True ** 2, 1 // True, -0.0 + 0, 0 * -1.0, int(1e18), float(2 ** 53 + 1), 3 % -1.5, round(1e300), 1) if False else print('skip')
#%%
print(1 if [] else 2, [] or 'x', () and 1, (1 < 2) == True, not 1 == 2, 1 == 1 == 1, 1 < 2 > 1, 'a' < 'b' < 'c', 5 in [1, 5] == True)
