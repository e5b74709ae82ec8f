// What is photographed: addresses, and what is done on a page first.

export const shots = [
  { name: 'home', path: '/', do: async (page) => page.waitForSelector('.jobs') },
  {
    name: 'home-selected', path: '/', sizes: ['desktop', 'phone'],
    do: async (page) => {
      for (const name of ['rate 0.02', 'rate 0.02, poly', 'adam, rate 0.001']) await page.getByLabel(`Select ${name}`, { exact: true }).check();
    },
  },
  { name: 'home-menu', path: '/', sizes: ['desktop'], full: false, do: async (page) => page.getByLabel('More for autoencoder', { exact: true }).click() },
  { name: 'home-nothing', path: '/', sizes: ['desktop'], do: async (page) => page.getByLabel('Filter models').fill('resnet') },
  { name: 'home-empty', path: '/', empty: true, do: async (page) => page.waitForSelector('.steps') },
  { name: 'job', path: '/models/autoencoder', do: async (page) => page.waitForSelector('.u-over') },
  { name: 'job-zoom', path: '/models/autoencoder', sizes: ['desktop'], do: async (page) => {
    await page.waitForSelector('.u-over');
    const box = await page.locator('.u-over').boundingBox();
    await page.mouse.move(box.x + 200, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 420, box.y + 80, { steps: 4 });
    await page.mouse.up();
    await page.mouse.move(box.x + 300, box.y + 80);
  } },
  { name: 'job-classes', path: '/models/lenet', sizes: ['desktop'], do: async (page) => { await page.getByLabel('mistakes').check(); await page.getByLabel('time').check(); } },
  { name: 'job-failed', path: '/models/sweep-autoencoder%2Fnesterov', sizes: ['desktop', 'phone'] },
  { name: 'job-waiting', path: '/models/alexnet-small', sizes: ['desktop'] },
  { name: 'missing', path: '/nowhere' },
];
