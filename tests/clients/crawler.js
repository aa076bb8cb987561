// An Actor of Apify's SDK and crawlee for JavaScript, as they are installed. Its input says where it starts, and by which
// of Apify's proxies it goes, as templates have it.
const { createRequire } = require("node:module");
const installed = createRequire("INSTALLED/");
const { Actor } = installed("apify");
const { CheerioCrawler } = installed("crawlee");

Actor.main(async () => {
  const { start, proxy, dataset = "links" } = await Actor.getInput();
  const links = await Actor.openDataset(dataset);
  const proxyConfiguration = proxy && (await Actor.createProxyConfiguration(proxy));
  const crawler = new CheerioCrawler({
    proxyConfiguration,
    async requestHandler({ $, request, enqueueLinks }) {
      await Actor.pushData({ url: request.url });
      await links.pushData({ url: request.url, links: $("a").length });
      await enqueueLinks();
    },
  });
  const { requestsFinished } = await crawler.run([start]);
  await Actor.setValue("OUTPUT", { requestsFinished });
}, { statusMessage: "Crawled." });
