print('a' + 'b' * 3, 'abc'[1], 'abc'[-1], 'abcdef'[1:4], 'abcdef'[::-1], 'abcdef'[::2], 'abc'[5:], 'abc'[-10:2])
#%%
print('abc'[5])
#%%
print('Hello World'.upper(), 'Hello'.lower(), 'hello world'.title(), 'hELLO'.capitalize(), 'aBc'.swapcase())
#%%
print('  x '.strip() + '|', 'xxabxx'.strip('x'), '  x'.lstrip(), 'x  '.rstrip() + '|', 'abcba'.lstrip('ab'))
#%%
print('a,b,c'.split(','), ' a  b '.split(), 'a,b,c'.split(',', 1), 'a b c'.rsplit(None, 1), 'a,b,c'.rsplit(',', 1), ''.split(), ''.split(','))
#%%
print('-'.join(['a', 'b']), ''.join(str(i) for i in range(5)), ','.join([]))
#%%
print(''.join([1, 2]))
#%%
print('hello'.replace('l', 'L'), 'hello'.replace('l', 'L', 1), 'aaa'.replace('', '-'), 'abc'.replace('x', 'y'))
#%%
print('hello'.find('l'), 'hello'.rfind('l'), 'hello'.find('z'), 'hello'.index('e'), 'hello'.count('l'), 'hello'.find('l', 3), 'aaa'.count('a', 1))
#%%
print('hello'.index('z'))
#%%
print('hello'.startswith('he'), 'hello'.endswith('lo'), 'hello'.startswith(('x', 'h')), 'hello'.startswith('l', 2))
#%%
print('12'.isdigit(), 'ab'.isalpha(), 'a1'.isalnum(), ' '.isspace(), 'AB'.isupper(), 'ab'.islower(), ''.isdigit(), 'a_1'.isidentifier())
#%%
print('ab'.center(6, '*'), 'ab'.ljust(5) + '|', 'ab'.rjust(5), '42'.zfill(5), '-42'.zfill(5), 'abc'.center(2), 'abc'.center(6))
#%%
print('a=b=c'.partition('='), 'a=b=c'.rpartition('='), 'abc'.partition('x'))
#%%
print('a\nb\r\nc'.splitlines(), 'a\n'.splitlines(True))
#%%
print(repr('it\'s'), repr("a\"b"), repr('a\'b"c'), repr('\n\t\\'), repr('\x00\x1f'), repr('ä'), repr('\u200b'))
#%%
print('a' in 'abc', 'd' not in 'abc', '' in 'abc')
#%%
print(1 in 'abc')
#%%
print('%s %r %d %5d|%-5d|%05d' % ('a', 'b', 3, 4, 5, 6))
#%%
print('%f %.2f %8.3f|%-8.1f|%e %.1e %g %g' % (1.5, 2.345, 3.14159, 2.5, 12345.678, 0.00012, 1e10, 0.5))
#%%
print('%x %X %o %c %c %%' % (255, 255, 8, 'a', 66))
#%%
print('%(a)s-%(b)03d' % {'a': 1, 'b': 2})
#%%
print('%s' % (1, 2))
#%%
print('%d %d' % (1,))
#%%
print('%d' % 'x')
#%%
print('%s' % [1, 2], '%s' % None, '%5s|' % 'ab', '%-5s|' % 'ab', '%.2s' % 'abc', '%*d' % (5, 3), '%+d % d' % (3, 4))
#%%
print('{} {}'.format(1, 2), '{1} {0}'.format(1, 2), '{a}{b}'.format(a=1, b='x'), '{0[1]} {1.real}'.format([1, 2], 3), '{{}}'.format())
#%%
print('{:>5}|{:<5}|{:^5}|{:*^7}|{:05d}|{:+d}'.format('a', 'b', 'c', 'd', 42, 7))
#%%
print('{:.2f} {:10.3f} {:e} {:g} {:%} {:.1%} {:,} {:_}'.format(3.14159, 2.5, 1234.5, 1e-7, 0.25, 0.5, 1234567, 1234567))
#%%
print('{:b} {:o} {:x} {:X} {:#x} {:#b} {:c} {:08b}'.format(5, 8, 255, 255, 255, 5, 65, 5))
#%%
print('{!r} {!s} {!r:>6}'.format('a', 'b', 'c'), '{:{w}.{p}f}'.format(3.14159, w=8, p=2))
#%%
print('{} {}'.format(1))
#%%
print('{a}'.format(b=1))
#%%
print('{'.format(1))
#%%
name, n = 'x', 3
print(f'{name}', f'{name!r}', f'{n:03d}', f'{n + 1}', f'{n:>{n + 2}}|', f'{{{n}}}', f'{n=}', f'{n = }', f'{n=:.1f}', f"{'a' if n else 'b'}", f'{[i for i in range(n)]}')
#%%
print(f'{3.0}', f'{1e20}', f'{10**6:,}', f'{0.1:.20f}', f'{1.0:.3}', f'{1234.5:.2}', f'{True}', f'{None}', f'{True:5}|')
#%%
print('a' 'b' "c", 'x'
      'y')
#%%
print('''a
b''', """c"d'e""")
#%%
print(r'\n', 'a\\b', '\x41\u0042\101', '\'')
#%%
print(str(1.0), str([1, 'a', None]), str({'a': 1}), str((1,)), str(()), str({1}), repr(set()), str(frozenset([1])))
#%%
print(len('héllo'), 'héllo'[1], 'héllo'[::-1], 'héllo'.upper(), 'ß'.upper())
#%%
print(format(3.14159, '.2f'), format(5), format('a', '>3'), format(1234567.891, ',.2f'), format(0, '05'), format(-3, '05d'), format(-3.5, '08.2f'))
#%%
print('abc' < 'abd', 'Z' < 'a', max('hello'), sorted('hello'), list('abc'), tuple('ab'), set('aab') == {'a', 'b'})
#%%
for c in 'ab': print(c, end=' ')
print()
print(1, 2, sep='-', end='!\n')
print()
print('x', end='')
print('y')
#%%
print('TestCase'.removeprefix('Test'), 'a.py'.removesuffix('.py'))
#%%
print('x'.join('abc'), ' '.join(['a']), 'ab'.__class__.__name__, 'ab'.__len__() if False else 2)
#%%
print('{:>10.4f}|{:<10}|{:^+8.1f}'.format(2.0, 3, 4.25), '{0:d} {0:x}'.format(10), '{:6.2%}'.format(.123))
#%%
print("%s: %0.3f (%d%%)" % ("loss", 0.12345, 50), "%3d|%-3d|%03d" % (1, 2, 3), "%6.2f" % -1.5, "%s" % True, "%i" % 3.7)
#%%
print('a\tb', 'tab\\n', "quote\"s", 'nul' + '\0' == 'nul\x00')
#%%
print('aBc'.casefold(), '12'.isdecimal(), '12'.isnumeric(), 'abcb'.rindex('b'), 'a b'.isalpha(), 'x'.count(''), 'abc'.rfind(''), '%5s|%-5s|' % ('é', 'é'))
#%%
print(ascii('é€'), '{!a}'.format('é'), '%a' % 'é', f"{'é'!a}", chr(8364), ord('€'), hex(-255), oct(-8), bin(0))
#%%
'a'.split('')
#%%
'abc'.center(5, 'xx')
#%%
print('%c' % 'ab')
#%%
print('{:d}'.format('a'))
#%%
print('{:.2f}'.format('a'))
#%%
print('{0.x}'.format(1))
#%%
print('{:>{}}|{:{}}'.format('a', 4, 'b', 3), '{:<+7.1e}|'.format(12345.678), '{:#o} {:#X}'.format(8, 255), '{: d} {:=+5d}'.format(3, 4), '{:^9.3}|'.format('abcdef'))
#%%
print('a%sb' % ('x',), '%s' % ((1, 2),), '%r' % 'a', '%%' % (), '%(k)r' % {'k': 'v'}, '%5.1f|%-8.3e|%+.0f' % (2.25, 1234.5, 2.5), '%#x %#o' % (255, 8), '%05.1f' % -2.5, '%.3d' % 5)
