export { adopt, inspectAdoption } from "./adopt";
export type { AdoptionReport, AdoptOptions } from "./adopt";
export { ADOPTION_TOPICS } from "./plan";
export type { AdoptionPlan, AdoptionProblem, AdoptionStep, AdoptionTopic, BaselineEntry, ServiceAdoption, ServiceState, SuperuserStatements } from "./plan";
export type { OpenSuperuserSession } from "./session";
