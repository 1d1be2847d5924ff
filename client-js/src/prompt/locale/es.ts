/** Spanish: in the order of the English words. */

export default `
Nueva versión disponible
Actualice cuando le convenga.
Actualizar ahora
Más tarde
Más tiempo
La página se actualizará sola cuando acabe el tiempo.
Actualización de seguridad disponible
Esta versión tiene un problema de seguridad conocido.
Motivo: {reason}
En espera por «{holds}», {time} como máximo.
datos sin guardar
Actualizar de todos modos
Un momento…
La actualización aún no está disponible aquí. Seguiremos intentándolo.
No se pudo actualizar la página
Puede seguir trabajando. Si algo falla, vuelva a abrir la pestaña.
Cerrar
Cuando acabe el tiempo, la página esperará por «{holds}», {time} como máximo.
Hemos vuelto a una versión anterior
algo en curso`;
