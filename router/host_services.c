/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The router's side of every SDK call that leaves a module in this process. One entry per call of
 * hosting.h; each only finds the instance's component and goes through the same door as any other
 * component.
 */
#include "router/domains.h"
#include "router/holders.h"
#include "router/instance.h"
#include "router/notices.h"
#include "router/state.h"
#include "router/via.h"

static int service_bind(void *host, const char *domain)
{
	const struct instance *instance = host;
	return component_bind(instance->component, domain, NULL);
}

static int service_unbind(void *host, const char *domain)
{
	const struct instance *instance = host;
	return component_unbind(instance->component, domain);
}

static bool service_domain_is_local(void *host, struct fw_str domain)
{
	const struct instance *instance = host;
	return router_domain_is_local(instance->router, domain);
}

static bool service_domain_is_federated(void *host, struct fw_str domain)
{
	const struct instance *instance = host;
	return router_domain_is_federated(instance->router, domain);
}

static int service_route(void *host, struct fw_stanza **stanza)
{
	const struct instance *instance = host;
	return router_route(instance->component, stanza);
}

static void service_bounce(void *host, struct fw_stanza **stanza, enum fw_cause cause)
{
	const struct instance *instance = host;
	router_bounce(instance->router, stanza, cause);
}

static void service_announce(void *host, const char *service)
{
	const struct instance *instance = host;
	router_announce(instance->router, service, NULL);
}

static void service_drained(void *host)
{
	instance_drained(host);
}

static int service_domains(void *host, struct fw_json *array)
{
	const struct instance *instance = host;
	return domains_rows(&instance->router->config->router, array);
}

static bool service_federation_is_on(void *host)
{
	const struct instance *instance = host;
	return router_federation_is_on(instance->router);
}

static const struct fw_json *service_state(void *host, const char *key)
{
	const struct instance *instance = host;
	return state_get(instance->router, key);
}

static int service_state_set(void *host, const char *key, const struct fw_json *value,
                             struct fw_error *err)
{
	const struct instance *instance = host;
	return state_set(instance->router, instance->component, key, value, err);
}

static void service_notice(void *host, const char *key, enum fw_notice_level level,
                           const char *remedy, const char *text)
{
	const struct instance *instance = host;
	notices_put(instance->router, instance->component, key, level, remedy, text);
}

static void service_notice_clear(void *host, const char *key)
{
	const struct instance *instance = host;
	notices_drop(instance->router, instance->component, key);
}

static int service_holders(void *host, const char *domain, struct fw_json *out)
{
	const struct instance *instance = host;
	return holders_report(instance->router, domain, out);
}

static int service_bind_for(void *host, const char *domain, const char *component_id,
                            uint32_t weight)
{
	const struct instance *instance = host;
	return via_bind(instance->component, domain, component_id, weight);
}

static int service_unbind_for(void *host, const char *domain, const char *component_id)
{
	const struct instance *instance = host;
	return via_unbind(instance->component, domain, component_id);
}

const struct fw_host_ops host_services = {
	.bind = service_bind,
	.unbind = service_unbind,
	.domain_is_local = service_domain_is_local,
	.domain_is_federated = service_domain_is_federated,
	.route = service_route,
	.bounce = service_bounce,
	.announce = service_announce,
	.drained = service_drained,
	.domains = service_domains,
	.federation_is_on = service_federation_is_on,
	.state = service_state,
	.state_set = service_state_set,
	.notice = service_notice,
	.notice_clear = service_notice_clear,
	.holders = service_holders,
	.bind_for = service_bind_for,
	.unbind_for = service_unbind_for,
};
