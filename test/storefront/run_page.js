// Runs the script of ganje.html outside of a browser: node run_page.js PAGE
// LINK SELECTION. The page's surroundings are what it uses of a browser, and
// Ganje's function by its documented name and parameters, which selects at
// once. Prints as JSON what the shop was asked and what the customer read.
"use strict";

const fs = require("fs");
const vm = require("vm");

const [, , file, link, selection] = process.argv;
const source = /<script id="page">([^]*?)<\/script>/.exec(fs.readFileSync(file, "utf8"))[1];
const seen = {asked: [], said: [], opened: []};
const clicks = [];
const elements = {
	choose: {disabled: true, addEventListener: (event, run) => clicks.push([event, run])},
	said: {set textContent(text) { seen.said.push(text); }}};
let links = 0;

function fetch(url, options = {}) {
	seen.asked.push([options.method || "GET", url, options.body ? JSON.parse(options.body) : null]);
	const answer = url.startsWith("ganje/link") ? {orderLink: links++ === 0 ? null : link} : {};
	return Promise.resolve({ok: true, status: 200, json: () => Promise.resolve(answer)});
}

async function openGanjeDelivery(url, returnSelectedGanje) {
	seen.opened.push(url);
	await returnSelectedGanje(JSON.parse(selection));
	console.log(JSON.stringify(seen));
}

const page = {
	URLSearchParams, encodeURIComponent, JSON, Promise, Error, fetch, openGanjeDelivery,
	location: {search: "?order=A%201%2F2"},
	document: {getElementById: (id) => elements[id]},
	setTimeout: (run) => setTimeout(run, 0)};
vm.runInNewContext(source, page);

const waiting = setInterval(() => {
	if (!elements.choose.disabled && clicks.length === 1) {
		clearInterval(waiting);
		clicks[0][1]();
	}
}, 1);
