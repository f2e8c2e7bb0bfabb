<?php
// google.rpc comes with a package of Composer's registry, which is not needed here: this reads the detail alone.
spl_autoload_register(function (string $class) {
    $file = stream_resolve_include_path(strtr($class, '\\', '/') . '.php');
    if ($file !== false) require $file;
});
$detail = new Recourse\V1\ErrorDetail();
$detail->mergeFromString(file_get_contents($argv[1]));
// The catalogue's options, and what they need to load.
if ((new Recourse\V1\CatalogOptions())->getDomain() !== '' || (new Recourse\V1\Degraded())->getKind() !== 0) exit(1);
$action = $detail->getRecoveryActions()[0];
$delay = $action->getRetryAfter()->getMaxDelay();
$ms = $delay->getSeconds() * 1000 + intdiv($delay->getNanos(), 1000000);
echo implode(' ', [
    $detail->getErrorCode(), $detail->getDomain(), $detail->getOutcome(), $detail->getRetry()->getVerdict(), $ms . 'ms',
    $action->getLabel(), '|', $detail->getSuggestion(),
]), "\n";
