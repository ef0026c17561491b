import { chromium } from 'playwright-core';
const b = await chromium.launch({executablePath:'/usr/bin/chromium',args:['--no-sandbox','--disable-gpu']});
for (const [n,scheme,w] of [['light','light',1280],['dark','dark',1280],['phone','light',390]]) {
 const p = await b.newPage({colorScheme:scheme,viewport:{width:w,height:900}});
 await p.goto('file:///tmp/wf-small/report.html'); await p.screenshot({path:`/tmp/shot-${n}.png`,fullPage:true});
 console.log(n, await p.evaluate('[document.documentElement.scrollWidth, innerWidth]'));
}
await b.close();
