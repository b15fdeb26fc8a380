/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The router's side of every SDK call that leaves a module in this process. One entry per call of
 * hosting.h; each only finds the instance's component and goes through the same door as any other
 * component.
 */
#include "router/instance.h"

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
	router_announce(instance->router, service);
}

static void service_drained(void *host)
{
	instance_drained(host);
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
};
