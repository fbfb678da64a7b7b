// What a program does in a session, with @stoqey/ib: node client.mjs HOST PORT CLIENT_ID
// Prints one JSON object of what it saw, with the keys of the Python clients.

import stoqey from "@stoqey/ib";

const { IBApi, EventName } = stoqey;
const WAIT_MS = 10_000;
const DETAILS = 9001, SUMMARY = 9002, QUOTES = 9003, EXECUTIONS = 9004;

const [host, port, clientId] = process.argv.slice(2);
const ib = new IBApi({ host, port: Number(port) });
const contract = { symbol: "AAPL", secType: "STK", exchange: "SMART", currency: "USD" };
const errors = [], details = [], summary = {}, prices = {}, positions = [], listed = [], completed = [];
const fills = [], commissions = {}, statuses = {}, opened = {}, ended = new Set();
let nextId, accounts = "", version, ticks = 0;

ib.on(EventName.error, (error, code, reqId) => errors.push([reqId, code, error.message]))
  .on(EventName.info, (message, code) => errors.push([-1, code, message]))
  .on(EventName.connected, () => (version = ib.serverVersion))
  .on(EventName.server, (number) => (version = number))
  .on(EventName.nextValidId, (id) => (nextId = id))
  .on(EventName.managedAccounts, (list) => (accounts = list))
  .on(EventName.contractDetails, (_, each) => details.push(each))
  .on(EventName.contractDetailsEnd, () => ended.add("details"))
  .on(EventName.accountSummary, (_, account, tag, value) => (summary[tag] = value))
  .on(EventName.accountSummaryEnd, () => ended.add("summary"))
  .on(EventName.tickPrice, (_, field, price) => { if (field === 1 || field === 2) ticks++; prices[field] = price; })
  .on(EventName.tickSize, (_, field, size) => { if (field === 0 || field === 3) ticks++; prices[field] = size; })
  .on(EventName.openOrder, (id, _, order) => (opened[id] = order))
  .on(EventName.orderStatus, (id, status, filled, remaining, avg, permId) =>
    (statuses[id] ??= []).push({ status, filled, remaining, avg, permId }))
  .on(EventName.execDetails, (reqId, _, execution) => (reqId === EXECUTIONS ? listed : fills).push(execution))
  .on(EventName.execDetailsEnd, () => ended.add("executions"))
  .on(EventName.commissionReport, (report) => (commissions[report.execId] = report.commission))
  .on(EventName.position, (_, of, position, avgCost) =>
    positions.push({ symbol: of.symbol, position, avg_cost: avgCost }))
  .on(EventName.positionEnd, () => ended.add("positions"))
  .on(EventName.completedOrder, (of, order, state) =>
    completed.push({ status: state.status, symbol: of.symbol, type: order.orderType }))
  .on(EventName.completedOrdersEnd, () => ended.add("completed"));

async function until(holds, what) {
  const deadline = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited ${WAIT_MS} ms for ${what}; ${JSON.stringify(errors)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const last = (id) => (statuses[id] ?? [{}]).at(-1);
const rounded = (price) => Math.round(price * 100) / 100;

async function marketOrder() {
  const id = nextId++;
  ib.placeOrder(id, contract, { action: "BUY", orderType: "MKT", totalQuantity: 100, transmit: true });
  await until(() => last(id).status === "Filled", "the market order to fill");
  await until(() => fills.reduce((sum, fill) => sum + fill.shares, 0) === 100, "executions");
  await until(() => fills.every((fill) => fill.execId in commissions), "commission reports");
  return {
    status: last(id).status, perm_id: last(id).permId, filled: last(id).filled, avg_price: last(id).avg,
    shares: fills.map((fill) => fill.shares), sides: [...new Set(fills.map((fill) => fill.side))].sort(),
    commissions: fills.map((fill) => commissions[fill.execId]),
  };
}

async function limitOrder(bid) {
  const id = nextId++;
  const order = { action: "BUY", orderType: "LMT", totalQuantity: 100, lmtPrice: rounded(bid * 0.9), tif: "GTC",
    orderRef: "limit-1", transmit: true };
  ib.placeOrder(id, contract, order);
  await until(() => last(id).status === "Submitted", "the limit order to work");
  Object.assign(order, { lmtPrice: rounded(bid * 0.91), totalQuantity: 50 });
  ib.placeOrder(id, contract, order);
  await until(() => last(id).remaining === 50, "the modification");
  const changed = { limit: opened[id].lmtPrice, remaining: last(id).remaining };
  ib.cancelOrder(id);
  await until(() => last(id).status === "Cancelled", "the cancel");
  return { asked: order.lmtPrice, changed, final: last(id).status, statuses: statuses[id].map((s) => s.status) };
}

async function scenario() {
  const seen = { client: "@stoqey/ib" };
  await until(() => nextId !== undefined && accounts, "the session to begin");
  seen.version = ib.serverVersion;
  seen.accounts = accounts.split(",").filter(Boolean);
  ib.reqContractDetails(DETAILS, contract);
  await until(() => ended.has("details"), "contract details");
  const [{ contract: found, minTick, longName }] = details;
  seen.details = { con_id: found.conId, symbol: found.symbol, primary_exchange: found.primaryExch,
    min_tick: minTick, long_name: longName };
  ib.reqAccountSummary(SUMMARY, "All", "NetLiquidation,TotalCashValue,BuyingPower");
  await until(() => ended.has("summary"), "the account summary");
  ib.cancelAccountSummary(SUMMARY);
  seen.summary = summary;
  ib.reqMktData(QUOTES, contract, "", false, false);
  await until(() => ticks >= 5 && prices[1] > 0 && prices[2] > 0, "quotes");
  ib.cancelMktData(QUOTES);
  Object.assign(seen, { ticks, quote: { bid: prices[1], ask: prices[2], bid_size: prices[0] } });
  seen.market_order = await marketOrder();
  seen.limit_order = await limitOrder(seen.quote.bid);
  ib.reqPositions();
  await until(() => ended.has("positions"), "positions");
  seen.positions = positions;
  ib.reqExecutions(EXECUTIONS, {});
  await until(() => ended.has("executions"), "executions");
  seen.executions = listed.map((execution) => execution.execId);
  ib.reqCompletedOrders(false);
  await until(() => ended.has("completed"), "completed orders");
  seen.completed = completed;
  seen.errors = errors;
  return seen;
}

ib.connect(Number(clientId));
try {
  console.log(JSON.stringify(await scenario()));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  ib.disconnect();
}
